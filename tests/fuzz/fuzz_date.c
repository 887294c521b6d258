/* A date that was read is shown and read again as the same second. */
#include <assert.h>
#include <stdint.h>

#include "lib/mail/date.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice	 s = { (const char *)data, size };
	char		 text[DATE_MAX];
	time_t		 t, again;

	if (date_parse(s, &t) == -1)
		return 0;
	date_format(t, text);
	assert(date_parse(slice_str(text), &again) == 0);
	/* Years outside 1900 to 9999 after the offset are shown as 1970. */
	assert(again == t || again == 0);
	return 0;
}
