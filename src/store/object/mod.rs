//! Objects: immutable bytes under fresh names on local files or S3, and the local cache.
