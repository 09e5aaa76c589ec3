"""A film scanner that exists only on the network."""
