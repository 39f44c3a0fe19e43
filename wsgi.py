"""The web application, where gunicorn and Flask's command line look for it."""

import gc
import os
import sys

gc.disable()  # what is loaded stays: looking through it for rubbish meanwhile is a tenth of the start

from bot.app import create_app
from bot.cli import WITH_PAGES
from bot.platform.environment import SurroundingsError
from bot.platform.secret_files import keep_private

# A command says itself what it cannot do, and ends soon; a server that a command starts (`flask demo`, `flask setup`)
# has inherited its variable.
server = "gunicorn" in sys.modules or not os.environ.get("FLASK_RUN_FROM_CLI")
try:
    app = create_app(pages=server or not WITH_PAGES.isdisjoint(sys.argv))
    keep_private(app.extensions["tici"].environment.var)
    if server:
        app.extensions["tici"].store.verify()
except (SurroundingsError, OSError) as error:
    hint = "；请检查 TICI_VAR 指的目录与权限" if isinstance(error, OSError) else ""
    sys.stderr.write(f"提词没有启动 / Tici did not start:\n{error}{hint}\n")
    raise SystemExit(3) from None  # 3 tells gunicorn that trying again is no use

# What is loaded by now stays: looked through for rubbish again and again it would hold up some answer for 0.1 s.
if server:
    gc.collect()
gc.freeze()
gc.enable()
