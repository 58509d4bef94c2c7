"""The rules of OAuth: pure functions over values, standard library only, the time an argument.

    RFC 6749 §2.3, RFC 7617       client_authentication   who is this client?
    RFC 6749 §3.1.2, RFC 8252 §7  redirect_uris           where may an answer go?
    RFC 6749 §3.3                 scopes                  what was asked, what is implied
    RFC 6749 §4.1.1               authorization_request   what may be redirected, what must not
    RFC 6749 §4.1.3, §6           token_request           code and refresh
    RFC 6749 §5.2                 errors                  the one way to refuse
    RFC 6750, RFC 9728 §5.1       bearer                  Authorization and WWW-Authenticate
    RFC 7591 §2                   client_metadata         what a client says about itself
    RFC 7636                      pkce                    challenge and verifier
    RFC 8414, RFC 9728            metadata_documents      what we publish about ourselves
    RFC 8707                      resource_indicators     which resource is meant
    RFC 9068                      access_token            claims to mint and to check
    OIDC Core §3.1.3.7            upstream_id_token       who logged in at the identity provider
    CIMD §3, §4                   client_document         a client_id that is a URL and its document
    CIMD §8.6                     document_targets        whose documents are asked for
    RFC 6890                      public_address          may we connect there?
    RFC 8259, RFC 7493            json_object             a stranger's JSON, one meaning or none
    RFC 3986                      web_url                 a URL as the raw string it is
    RFC 9111 §5.2.2               cache_lifetime          Cache-Control to seconds

CIMD is draft-ietf-oauth-client-id-metadata-document-02.
"""
