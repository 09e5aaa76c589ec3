"""`filmscand import`: takes a whole tree of finished files into the archive and the queue, each file once.

The claims are those of the watch folders (`ingest.claiming`, the table `candidates`), so a kill loses and doubles
nothing; what watch folders need beside that, waiting until files settle and putting them away, is left out. The sources
are only read. Owns the settings of an import, the walk through the tree, the threads that hash and copy, the order of
the frames, and the report.
"""
