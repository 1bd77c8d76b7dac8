"""`quaystream top`: what two scrapes of the workers say of the time between them."""
