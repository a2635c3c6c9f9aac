"""The storage model: clusters, nodes, devices, bricks and volumes as frozen values, and the rules between them.

Standard library only, and nothing that waits, reads a clock or touches a disk.
"""
