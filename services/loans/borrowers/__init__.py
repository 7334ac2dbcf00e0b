"""The people and bodies who borrow, as the member that lends to them describes them."""
