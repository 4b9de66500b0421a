#!/bin/sh
# Mapper: a line for each word. A line without a tab is a key without a value.
#
#   streaming --mapper=words.sh --reducer=counts.sh --file=words.sh,counts.sh --input=text --output=out
tr -s ' \t\v\f\r' '\n' | sed '/^$/d'
