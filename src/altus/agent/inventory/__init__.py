"""What the host is made of, read from /proc and /sys below a root that tests replace by recorded trees."""
