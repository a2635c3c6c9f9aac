"""Real GlusterFS nodes for tests and demonstrations: see README.md."""

from lab.needs import lacking
from lab.testbed import Lab, LabNode

__all__ = ["Lab", "LabNode", "lacking"]
