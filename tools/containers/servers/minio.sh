# `server /data`, as MinIO is started.
set -eu
export RCLONE_AUTH_KEY="\"$MINIO_ROOT_USER,$MINIO_ROOT_PASSWORD\"" RCLONE_CONFIG=/dev/null
exec /opt/servers/bin/rclone serve s3 --addr :9000 --cache-dir /tmp/cache --ignore-checksum "$2"
