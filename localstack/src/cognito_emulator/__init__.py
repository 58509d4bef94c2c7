"""A test double of Amazon Cognito: MiniStack as a child process behind a strict front.

`rules/` decides (pure functions), `api/` is the AWS API, `hosted_ui/` and `oauth/` are the pool's
domain, `state.py` remembers, `ministack.py` runs the child, `front.py` puts the parts together.
"""
