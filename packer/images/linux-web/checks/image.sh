# shellcheck shell=bash
# What this image must have besides what every Linux image has.

check_nginx_would_start() {
  nginx -t -q
  systemctl is-enabled --quiet nginx
}

check_application_is_installed() {
  python3 - <<'PYTHON'
import json
import os

with open("/etc/packleader/application.json", encoding="utf-8") as file:
    application = json.load(file)
if application["package"].endswith((".tar.gz", ".tgz", ".tar.xz")):
    current = os.path.realpath(f"/srv/{application['name']}/current")
    assert current.endswith("/" + application["version"]), current
    assert os.listdir(current), f"{current} is empty"
PYTHON
}
