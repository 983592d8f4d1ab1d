#pragma once

#include <nyala/losses/crossentropy.hpp>
#include <nyala/losses/ctc.hpp>
#include <nyala/losses/margin.hpp>
#include <nyala/losses/overlap.hpp>
#include <nyala/losses/regression.hpp>
