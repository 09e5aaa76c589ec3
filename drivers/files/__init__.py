"""Film files: reads what other scanning programs write, and writes TIFF. Imports base."""
