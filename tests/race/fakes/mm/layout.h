/* SPDX-License-Identifier: BSD-2-Clause */
/* Race tests have the RAM of unit tests, but not their locks. */
#ifndef SOCLE_RACE_LAYOUT_H
#define SOCLE_RACE_LAYOUT_H

#include "tests/fakes/mm/layout.h"

#endif
