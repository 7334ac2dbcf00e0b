"""The only door of the federation: authentication, limits, proxy, network-wide reports, pages."""
