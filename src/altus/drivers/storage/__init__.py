"""Storage repositories: keep volumes and images on this host."""
