#!/bin/sh -eu
grep "listen 80" /tmp/app.conf
