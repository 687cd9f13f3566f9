"""The tiny guest: for trying and testing, up in two seconds even without KVM."""
