"""Kernels that start with the magics loaded, for one JupyterLab and without a file written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jupyter_client.kernelspec import KernelSpecManager

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

# Jupyter's own kernel.json says "python" and means the Python it runs in (jupyter_client
# replaces these names in KernelManager.format_kernel_cmd).
_THIS_PYTHON = {
    "python",
    f"python{sys.version_info.major}",
    f"python{sys.version_info.major}.{sys.version_info.minor}",
    sys.executable,
}


class LoadedKernelSpecs(KernelSpecManager):  # type: ignore[misc]  # (its types are not followed)
    """Every kernel spec found, those of this environment with ``ollama_lab`` loaded.

    Kernels of other environments stay as they are: they may not have the package.
    """

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Find a kernel spec by name, as the base class does."""
        spec = super().get_kernel_spec(kernel_name)
        if spec.argv[0] in _THIS_PYTHON and "ipykernel_launcher" in spec.argv:
            spec.argv.append("--InteractiveShellApp.extra_extensions=ollama_lab")
        return spec
