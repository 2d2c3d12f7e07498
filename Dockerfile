# Production image. Building it is not part of the tests.
FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 FRONTDESK_HOME=/data
WORKDIR /app
COPY requirements/production.txt requirements/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/production.txt
COPY . .
RUN SECRET_KEY=only-for-collecting-static-files-0000 python manage.py collectstatic --no-input \
    && useradd --system frontdesk && mkdir /data && chown frontdesk /data
USER frontdesk
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "1", "--respawn-failed-workers", "--no-ws", "config.wsgi:application"]
