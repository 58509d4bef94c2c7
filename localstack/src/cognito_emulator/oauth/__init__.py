"""The machine half of the pool's domain: token, revocation, userInfo, discovery."""
