"""The web application, where gunicorn and Flask's command line look for it."""

from bot.app import create_app

app = create_app()
