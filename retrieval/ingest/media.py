"""Media types by the ends of files' names: they choose the parser."""

from pathlib import PurePosixPath

MARKDOWN, RST, PLAIN, SOURCE = "text/markdown", "text/x-rst", "text/plain", "text/x-source-"
LANGUAGES = {
    "assembly": "asm s",
    "c": "c h",
    "clojure": "clj cljs edn",
    "cmake": "cmake",
    "cpp": "cc cpp cxx hh hpp hxx ipp cu cuh",
    "csharp": "cs",
    "css": "css scss sass less",
    "dart": "dart",
    "dockerfile": "dockerfile",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "fortran": "f f90 f95",
    "fsharp": "fs fsx",
    "go": "go",
    "graphql": "graphql gql",
    "groovy": "groovy gradle",
    "haskell": "hs",
    "ini": "ini cfg conf properties",
    "java": "java",
    "javascript": "js mjs cjs jsx",
    "json": "json",
    "julia": "jl",
    "kotlin": "kt kts",
    "lua": "lua",
    "make": "mk makefile",
    "nim": "nim",
    "objective-c": "m mm",
    "ocaml": "ml mli",
    "perl": "pl pm",
    "php": "php",
    "powershell": "ps1 psm1",
    "proto": "proto",
    "python": "py pyi pyw",
    "r": "r",
    "ruby": "rb rake",
    "rust": "rs",
    "scala": "scala sbt",
    "shell": "sh bash zsh fish bat cmd",
    "solidity": "sol",
    "sql": "sql",
    "svelte": "svelte",
    "swift": "swift",
    "terraform": "tf",
    "toml": "toml",
    "typescript": "ts mts cts tsx",
    "verilog": "v sv vhd",
    "vue": "vue",
    "yaml": "yaml yml",
    "zig": "zig",
}
MEDIA = {
    **dict.fromkeys(("md", "markdown", "mdx"), MARKDOWN),
    "rst": RST,
    **{e: SOURCE + name for name, ends in LANGUAGES.items() for e in ends.split()},
}


def media_of(name: str) -> str:
    """Tell the media type by a file's name; what is not known is plain text."""
    path = PurePosixPath(name.lower())
    return MEDIA.get(path.suffix[1:] or path.name, PLAIN)
