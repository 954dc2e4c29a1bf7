/* Every bit of what is checked counts, in each of the widths that are stored. */
#include <check.h>
#include <stdlib.h>

#include "base/checksum.h"

/* Of so many changes, how many leave the highest `bits` as they were. */
static unsigned unnoticed(size_t len, unsigned bits, unsigned *changes)
{
    static uint8_t bytes[1000];
    unsigned same = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    uint32_t sum = checksum32(bytes, len, 5);
    ck_assert_uint_eq(checksum32(bytes, len, 5), sum);
    for (size_t bit = 0; bit < len * 8; bit++, (*changes)++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        same += (checksum32(bytes, len, 5) ^ sum) >> (32 - bits) == 0;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (uint64_t with = 1; with != 0; with <<= 1, (*changes)++)
        same += (checksum32(bytes, len, 5 ^ with) ^ sum) >> (32 - bits) == 0;
    return same;
}

START_TEST(changes_are_noticed)
{
    static const struct {
        unsigned bits, most; /* in a thousand */
    } width[] = {{8, 8}, {16, 1}, {32, 0}};
    for (unsigned w = 0; w < 3; w++) {
        unsigned changes = 0, same = 0;
        for (size_t len = 1; len < 1000; len += len < 300 ? 7 : 97)
            same += unnoticed(len, width[w].bits, &changes);
        ck_assert_uint_le(same, changes / 1000 * width[w].most);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checksum");
    TCase *c = tcase_create("checksum");
    tcase_add_test(c, changes_are_noticed);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
