"""The operators' console: pages under /platform/, apart from every organisation's."""
