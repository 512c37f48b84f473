"""The colours of adp-tui's own themes; all of Textual's can be chosen as well."""

from __future__ import annotations

from textual.theme import Theme

__all__ = ["DEFAULT_THEME", "THEMES", "theme_for"]

THEMES = (
    Theme(
        name="adp-dark",
        primary="#7aa2d6",
        secondary="#9aa7b8",
        accent="#e0b36a",
        foreground="#d5dae2",
        background="#14171c",
        surface="#232934",
        panel="#1d222a",
        success="#8fbf7f",
        warning="#e3a857",
        error="#e5736f",
        dark=True,
        variables={
            "text-muted": "#8a94a3",
            "text-accent": "#e0b36a",
            "text-primary": "#8fb4e3",
            "text-success": "#8fbf7f",
            "text-warning": "#e3a857",
            "text-error": "#f08984",
            "block-cursor-background": "#33507a",
            "block-cursor-foreground": "#ffffff",
            "block-cursor-text-style": "none",
            "scrollbar": "#3a4352",
            "scrollbar-hover": "#3a4352",
            "scrollbar-active": "#5a6577",
            "scrollbar-background": "#14171c",
            "scrollbar-background-hover": "#14171c",
            "scrollbar-background-active": "#14171c",
            "scrollbar-corner-color": "#14171c",
        },
    ),
    Theme(
        name="adp-light",
        primary="#2f5d9b",
        secondary="#5b6675",
        accent="#8a5a00",
        foreground="#1f2530",
        background="#fbfbf9",
        surface="#e7e9ec",
        panel="#eef0f1",
        success="#2f7a3d",
        warning="#9a5b00",
        error="#b3261e",
        dark=False,
        variables={
            "text-muted": "#5b6675",
            "text-accent": "#8a5a00",
            "text-primary": "#2f5d9b",
            "text-success": "#2f7a3d",
            "text-warning": "#9a5b00",
            "text-error": "#b3261e",
            "block-cursor-background": "#c9d9f0",
            "block-cursor-foreground": "#10151d",
            "block-cursor-text-style": "none",
        },
    ),
    # Soft colours all become white where there are sixteen: these are the terminal's own.
    Theme(
        name="adp-16",
        primary="#00ffff",
        secondary="#c0c0c0",
        accent="#ffff00",
        foreground="#c0c0c0",
        background="#000000",
        surface="#000000",
        panel="#000000",
        success="#00ff00",
        warning="#ffff00",
        error="#ff0000",
        dark=True,
        variables={
            "text-muted": "#808080",
            "text-accent": "#ffff00",
            "text-primary": "#00ffff",
            "text-success": "#00ff00",
            "text-warning": "#ffff00",
            "text-error": "#ff0000",
            "block-cursor-background": "#000080",
            "block-cursor-foreground": "#ffffff",
            "block-cursor-text-style": "none",
            "scrollbar": "#808080",
            "scrollbar-hover": "#808080",
            "scrollbar-active": "#c0c0c0",
            "scrollbar-background": "#000000",
            "scrollbar-background-hover": "#000000",
            "scrollbar-background-active": "#000000",
            "scrollbar-corner-color": "#000000",
        },
    ),
)


DEFAULT_THEME = "adp-dark"


def theme_for(color_system: str | None) -> str:
    """Return the theme for a terminal with so many colours, as rich names them."""
    return "adp-16" if color_system in ("standard", "windows") else DEFAULT_THEME
