"""Run the benchmarks: all, or those named.

make bench                        all of them
make bench ARGS="lexical dense"   some
"""

import importlib
import sys

NAMES = (
    "lexical",
    "dense",
    "regex",
    "measures",
    "label",
    "sweep",
    "rerank",
    "stages",
    "e5",
    "generate",
)


def main() -> None:
    """Run each in turn."""
    for name in sys.argv[1:] or NAMES:
        if name not in NAMES:
            sys.exit(f"there is no benchmark {name!r}; known: {', '.join(NAMES)}")
        module = importlib.import_module(f"tests.benchmarks.bench_{name}")
        sys.argv = sys.argv[:1]
        module.main()


if __name__ == "__main__":
    main()
