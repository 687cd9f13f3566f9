"""Networks: switches, ports, DHCP and NAT for the VMs of this host."""
