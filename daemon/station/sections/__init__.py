"""The sections of the configuration, each with its limits and its defaults. Imports core."""
