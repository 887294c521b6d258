/* Whatever a client says as a command is parsed into bounds. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/text.h"
#include "smtpd/command.h"
#include "smtpd/proxy.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct command_mail	 m;
	static struct command_rcpt	 r;
	struct slice			 in = { (const char *)data, size };
	struct slice			 verb, arg, rest;
	struct command_error		 err;
	struct sockaddr_storage		 sa;
	char				 helo[COMMAND_HELO_MAX + 1];
	uint64_t			 n;
	size_t				 used = 0;
	bool				 last;

	command_split(in, &verb, &arg);
	assert(verb.len + arg.len <= size);
	if (command_parse_helo(arg, helo, &err) == 0)
		assert(helo[0] != '\0' && strlen(helo) <= COMMAND_HELO_MAX);
	if (command_parse_mail(arg, 0, &m, &err) == 0) {
		assert(!m.from.utf8 || m.utf8);
		assert(strpbrk(m.envid, "\r\n") == NULL);
		assert(strpbrk(m.auth, "\r\n") == NULL);
	}
	(void)command_parse_mail(arg, ADDRESS_LENIENT, &m, &err);
	if (command_parse_rcpt(arg, 0, true, &r, &err) == 0)
		assert(text_is_utf8(slice_str(r.orcpt)) &&
		    strpbrk(r.orcpt, "\r\n") == NULL);
	if (command_parse_rcpt(arg, ADDRESS_LENIENT, false, &r, &err) == 0)
		assert(!r.to.utf8);
	(void)command_parse_bdat(arg, &n, &last, &err);
	if (command_parse_auth(arg, &verb, &rest, &err) == 0)
		assert(verb.len > 0 && verb.len + rest.len <= arg.len);
	switch (proxy_parse(in, &sa, &used)) {
	case PROXY_OK:
	case PROXY_LOCAL:
		assert(used >= 16 && used <= size);
		break;
	case PROXY_MORE:
		assert(size < PROXY_MAX && proxy_missing(in) > 0 &&
		    size + proxy_missing(in) <= PROXY_MAX);
		break;
	case PROXY_BAD:
		break;
	}
	return 0;
}
