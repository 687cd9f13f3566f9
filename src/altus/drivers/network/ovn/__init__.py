"""Networks by OVN and Open vSwitch: the one real backend, for a single host and for many."""
