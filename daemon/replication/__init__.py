"""Copies every sealed roll to each configured target, and verifies it there: another folder, or a bucket of S3.

Owns what is sent, in which order, and what becomes of a file at the target that differs; where each copy stands is in
`filmscand.daemon.database.keeping.replicas`. May import maintenance and below.
"""
