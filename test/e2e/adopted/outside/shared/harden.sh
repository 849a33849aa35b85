#!/bin/sh -eu
echo hardened
