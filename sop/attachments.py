"""Attachments of a text: links, mini-programs, pictures and files, as WeCom takes them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sop.translatable import Translatable

PICTURES = ("jpg", "jpeg", "png")
# By kind: the keys it needs, then those it may have.
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "link": (("title", "url"), ("desc", "picurl")),
    "miniprogram": (("title", "appid", "page", "pic"), ()),
    "image": (("file",), ()),
    "file": (("file",), ("title",)),
}
# In bytes of UTF-8, by WeCom's documents of mass messages and welcome messages.
MOST_BYTES = {
    ("link", "title"): 128,
    ("link", "desc"): 512,
    ("link", "url"): 2048,
    ("miniprogram", "title"): 64,
}
_URL = r"^https?://\S{1,2040}$"


class Attachment(BaseModel):
    """One attachment of a step or of the welcome. `file` and `pic` name files of the material library."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["link", "miniprogram", "image", "file"]
    title: str | None = Field(default=None, min_length=1, max_length=64)
    url: str | None = Field(default=None, pattern=_URL)
    desc: str | None = Field(default=None, max_length=512)
    picurl: str | None = Field(default=None, pattern=_URL)
    appid: str | None = Field(default=None, pattern=r"^wx[0-9A-Za-z]{6,30}$")
    page: str | None = Field(default=None, min_length=1, max_length=1024)
    pic: str | None = Field(default=None, min_length=1, max_length=200)
    file: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _whole(self) -> Attachment:
        given = {name for name in type(self).model_fields if name != "kind" and getattr(self, name) is not None}
        needed, allowed = KEYS[self.kind]
        if missing := [name for name in needed if name not in given]:
            raise ValueError(Translatable("{kind} 附件还缺 {names}", kind=self.kind, names=missing))
        if extra := sorted(given - {*needed, *allowed}):
            raise ValueError(
                Translatable(
                    "{kind} 附件没有 {names}，可写的有 {known}",
                    kind=self.kind,
                    names=extra,
                    known=(*needed, *allowed),
                )
            )
        for (kind, name), most in MOST_BYTES.items():
            size = len((getattr(self, name) or "").encode())
            if kind == self.kind and size > most:
                raise ValueError(
                    Translatable(
                        "{name} 太长：{size} 字节，企业微信最多 {most}（一个汉字占 3 字节）",
                        name=name,
                        size=size,
                        most=most,
                    )
                )
        if self.material is not None:
            _check_name(self.material[0], picture=self.material[1] == "image")
        return self

    @property
    def material(self) -> tuple[str, Literal["image", "file"]] | None:
        """The library file it needs, and whether WeCom is to take it as a picture or as a file."""
        if self.kind == "file" and self.file is not None:
            return self.file, "file"
        name = self.file if self.kind == "image" else self.pic
        return None if name is None else (name, "image")


def _check_name(name: str, *, picture: bool) -> None:
    parts = name.split("/")
    if "\\" in name or not name.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise ValueError(Translatable('"{name}" 不是素材库里的文件名，写作 "价目表.pdf" 或 "图/海报.png"', name=name))
    ending = name.rpartition(".")[2].lower()
    if picture and ending not in PICTURES:
        raise ValueError(Translatable('"{name}" 不是图片，企业微信只收 {names}', name=name, names=PICTURES))
