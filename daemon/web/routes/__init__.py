"""The addresses of the page: pages for people, the API, metrics and health for programs."""
