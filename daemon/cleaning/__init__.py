"""From a raw frame to a revision: the pipeline, the worker processes, access images, and single files.

The only room of the service that calls the engine for a frame. Imports archive, database, station, core.
"""
