"""Media types by the ends of files' names: they choose the reader and the parser."""

from pathlib import PurePosixPath

MARKDOWN, RST, PLAIN, SOURCE = "text/markdown", "text/x-rst", "text/plain", "text/x-source-"
HTML, CSV, TSV, PDF = "text/html", "text/csv", "text/tab-separated-values", "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOTEBOOK, MAIL, ZIP = "application/x-ipynb+json", "message/rfc822", "application/zip"
WRITTEN = (MARKDOWN, HTML, DOCX, XLSX, NOTEBOOK, MAIL)
"""What is Markdown, or is written down as Markdown when it is read."""
CONVERTED = (HTML, PDF, DOCX, XLSX, NOTEBOOK, MAIL)
"""What is not its own text: its text is made when it is read."""
ENDS = {PDF: ".pdf", DOCX: ".docx", XLSX: ".xlsx", ZIP: ".zip", NOTEBOOK: ".ipynb", MAIL: ".eml"}
"""How a file is named whose media type says little."""
PAGE_END = "\f"
"""What ends a page in the text of a PDF."""
HEADING_MARK = "\u2001"
"""White space that no page has: as many as a heading's level stand before its line."""
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
    **dict.fromkeys(("html", "htm", "xhtml"), HTML),
    "csv": CSV,
    **dict.fromkeys(("tsv", "tab"), TSV),
    "pdf": PDF,
    "docx": DOCX,
    **dict.fromkeys(("xlsx", "xlsm"), XLSX),
    "ipynb": NOTEBOOK,
    "eml": MAIL,
    "zip": ZIP,
    **dict.fromkeys(("txt", "text", "log"), PLAIN),
    **{e: SOURCE + name for name, ends in LANGUAGES.items() for e in ends.split()},
}


def media_of(name: str) -> str:
    """Tell the media type by a file's name; what is not known is plain text."""
    path = PurePosixPath(name.lower())
    return MEDIA.get(path.suffix[1:] or path.name, PLAIN)


def is_prose(media: str) -> bool:
    """Tell whether a text of this kind reads well in a proportional font: columns mean nothing."""
    return media in (*WRITTEN, PLAIN, PDF)


def kind_of(media: str) -> str:
    """Name a media type shortly, as a file's end does."""
    return ENDS.get(media, media.rsplit("/", 1)[-1]).removeprefix("x-").removeprefix(".")


def is_known(name: str) -> bool:
    """Tell whether a file's name says what is in it."""
    path = PurePosixPath(name.lower())
    return (path.suffix[1:] or path.name) in MEDIA
