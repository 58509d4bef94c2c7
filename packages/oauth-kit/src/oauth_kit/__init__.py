"""What the services share: OAuth's rules, and the ports and adapters around them."""
