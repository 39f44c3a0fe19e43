# Tici: one image for pages, worker and scheduler. compose.yaml runs it; docs/operations.md tells the rest.
FROM python:3.11-slim-bookworm AS built
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.txt /opt/requirements.txt
RUN python -m venv /opt/tici \
 && /opt/tici/bin/python -m pip install --require-hashes --use-pep517 -r /opt/requirements.txt

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 tici \
 && useradd --system --uid 10001 --gid tici --home-dir /var/lib/tici --no-create-home --shell /usr/sbin/nologin tici \
 && install -d -m 0700 -o tici -g tici /var/lib/tici /backups
COPY --from=built /opt/tici /opt/tici
COPY bot /srv/tici/bot
COPY taggers /srv/tici/taggers
COPY sop /srv/tici/sop
COPY docs/deploy /srv/tici/docs/deploy
COPY wsgi.py config.toml LICENSE /srv/tici/
WORKDIR /srv/tici
ENV PATH=/opt/tici/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TICI_VAR=/var/lib/tici \
    TICI_CONFIG=/var/lib/tici/config.toml
USER 10001:10001
VOLUME ["/var/lib/tici", "/backups"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=40s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "--worker-class", "gthread", "--threads", "200", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "wsgi:app"]
