"""What we need of the API of Kubernetes: pods, programs in their containers, secrets. The only door to it."""
