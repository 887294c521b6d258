/* The loop of tokend: who asks, what is remembered, who is sent to ask. */
#ifndef TOKEND_TOKEND_H
#define TOKEND_TOKEND_H

#include "lib/base/config.h"

#define TOKEND_HELPERS	8	/* questions to the server at once */
#define TOKEND_QUEUE	256	/* waiting */

/* Serve until SIGTERM; the exit code. */
int	 tokend_main(const struct config *);

#endif
