"""Every page of the portal, found by itself: the addresses come from the URL map and from links on the pages."""
