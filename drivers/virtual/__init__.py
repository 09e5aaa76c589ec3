"""A film scanner that exists only on the network, for tests and demonstrations. Imports files and base."""
