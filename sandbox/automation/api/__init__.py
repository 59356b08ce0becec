"""Systems Manager's Automation operations as an AWS client calls them."""
