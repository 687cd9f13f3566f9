"""A repository in a folder: local, or shared by a network file system."""
