/*
 * What an introspection endpoint says about a token (RFC 7662 2.2), judged.
 * Pure; the one file that knows the JSON library.
 */
#ifndef TOKEND_CLAIMS_H
#define TOKEND_CLAIMS_H

#include <time.h>

#include "lib/base/config.h"
#include "lib/base/slice.h"
#include "lib/net/proto_token.h"

/*
 * Fill *out from the body of an answer at the time now (seconds since 1970).
 * why: words for the log when it is not active; static.
 *
 * TOKEN_LATER when the body is not what RFC 7662 says: that is a fault of the
 * server's, not of who came with the token.
 */
void	 claims_judge(const struct config_oauth *, struct slice body, time_t now,
	    struct token_answer *out, const char **why);

#endif
