#!/usr/bin/env sh
# parse_log.sh LOG: from a training log to the tables LOG.train and LOG.test, in the working folder.
exec "${PYTHON:-python3}" "$(dirname "$0")/log_tables.py" "$@"
