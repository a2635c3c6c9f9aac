"""Nodes that are pods: GlusterFS in containers, commands through the API of Kubernetes."""

from pyheketi.executors.kubernetes.executor import KubernetesExecutor, KubernetesOptions

__all__ = ["KubernetesExecutor", "KubernetesOptions"]
