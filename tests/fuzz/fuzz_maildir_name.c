/* maildir_name_parse() on any name: slices inside it, numbers in bounds. */
#include <stdlib.h>

#include "lib/base/xmalloc.h"
#include "lib/store/maildir.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct maildir_name	 m;
	char			*name = xstrndup((const char *)data, len);
	const char		*end = name + strlen(name);

	if (maildir_name_parse(name, &m) &&
	    (m.base.ptr != name || m.base.ptr + m.base.len > end ||
	    m.info.ptr < name || m.info.ptr + m.info.len != end ||
	    (m.validity == 0) != (m.uid == 0) ||
	    (m.size > INT64_MAX && m.size != UINT64_MAX)))
		abort();
	if (maildir_name_time(name) < 0)
		abort();
	free(name);
	return 0;
}
