#!/bin/sh -eu
test "${APP_VERSION}" = 1.2.3
