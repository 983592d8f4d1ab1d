#!/bin/sh
# Compiles through ccache as if from SOURCE/build/<name>, so that build folders elsewhere share what ccache knows.
# usage: ccache-launcher.sh CCACHE SOURCE COMPILER ARGUMENTS...
ccache=$1 source=$2
shift 2
build=$PWD dependencies= previous= count=$#
while [ "$count" -gt 0 ]; do
  argument=$1
  shift
  case $previous in
    -o | -MF) case $argument in /*) ;; *) argument=$build/$argument ;; esac ;;
  esac
  [ "$previous" = -MF ] && dependencies=$argument
  previous=$argument
  set -- "$@" "$argument"
  count=$((count - 1))
done
mkdir -p "$source/build/elsewhere" && cd "$source/build/elsewhere" || exit 1
CCACHE_BASEDIR=$source CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros,locale "$ccache" "$@" || exit
# Paths in the list of dependencies are relative to where the compiler ran; ninja reads them from the build folder.
[ -z "$dependencies" ] || sed -i "s#\(^\| \)\.\./\.\./#\1$source/#g" "$dependencies"
